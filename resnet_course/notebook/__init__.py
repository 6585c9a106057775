"""What a lesson shows beside its numbers: cards, messages, widgets; and the journal, which keeps what a learner did."""
