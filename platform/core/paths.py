"""<id:order_id> in paths of pages and of the API."""

LARGEST_ID = 2**63 - 1
ID_PATTERN = "[1-9][0-9]{0,18}"


class IdConverter:
    """<id:order_id> in a path; a number beyond 63 bits is no id, so the path leads nowhere."""

    regex = ID_PATTERN

    def to_python(self, value: str) -> int:
        number = int(value)
        if number > LARGEST_ID:
            raise ValueError(value)
        return number

    def to_url(self, value: int) -> str:
        return str(value)
