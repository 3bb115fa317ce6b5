"""What each notebook asks: one file for each, `notebook_NN.py`, with its `EXERCISES` and `QUIZ`."""
