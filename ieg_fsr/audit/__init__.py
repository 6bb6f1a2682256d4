"""Audit of labels: what training, or a saved classifier, makes of each given label -> audit.csv and audit.html."""
