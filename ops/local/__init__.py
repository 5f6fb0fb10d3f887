"""The local runtime: every part of Syncline as a supervised process on this machine."""
