"""The judges: pretrained networks that score, behind one interface."""
