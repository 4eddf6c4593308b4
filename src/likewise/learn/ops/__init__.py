"""Operations on tensors that several families share."""
