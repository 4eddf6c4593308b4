"""What training makes small."""

from typing import TYPE_CHECKING

from likewise.registry import Family

if TYPE_CHECKING:
    from likewise.learn.losses.base import Loss

FAMILY: "Family[Loss]" = Family(
    "loss",
    __name__,
    {
        "contrastive": "contrastive:Contrastive",
        "triplet": "triplet:Triplet",
        "supcon": "supcon:SupCon",
        "nt_xent": "nt_xent:NTXent",
        "multi_similarity": "multi_similarity:MultiSimilarity",
        "circle": "circle:Circle",
        "softmax": "softmax:Softmax",
        "arcface": "arcface:ArcFace",
        "proxy_anchor": "proxy_anchor:ProxyAnchor",
        "cosent": "cosent:CoSENT",
        "cosine_mse": "cosine_mse:CosineMSE",
        "pml": "pml:PmlLoss",
        "by_member": "by_member:ByMember",
        "none": "none:NoLoss",
    },
    context=("distance", "classes", "dim"),
)
