"""The curve explorer: several paths at one position t, some of them in training."""
