"""What a person must know although an answer was given."""


class LikewiseWarning(UserWarning):
    """Class of the warnings that the command line prints in a line of their own."""
