from tests.domain.readers import moments

__all__ = ["moments"]
