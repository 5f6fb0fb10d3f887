"""Raw topics in, small compacted topics out that say what a foreign key stands for."""

from streams.references.catalogue import REFERENCES
from streams.references.publish import Reference, publish

__all__ = ["REFERENCES", "Reference", "publish"]
