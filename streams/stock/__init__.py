"""ERP stock moves and web orders in, what can be promised of each SKU out."""
