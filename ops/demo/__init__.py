"""The main job, shown: buyers in the real shop, a warehouse in the real ERP, one report."""
