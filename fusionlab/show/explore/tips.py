"""What the controls of explorers do, for a reader whose pointer rests on one."""

TIPS = {
    "on": "The data on which loss and accuracy are measured",
    "resolution": "How many points are measured: more make a finer map, which takes longer",
    "plane": "The part of weight space that the map shows",
    "view": "A map from above, or a surface to turn",
    "log": "How colours and heights follow the loss",
    "zoom": "How much of the plane is seen: 2 is twice as wide and high",
    "cross_section": "The loss along a line through the chosen point, below the map",
    "what": "Which of the measured numbers is drawn",
    "step": "Which of the networks that training passed through",
    "t": "0 is the first network, 1 the second",
    "beyond": "Go on past the networks at the ends",
    "focus": "The path whose plane the map shows",
    "speed": "How fast the training is shown",
}
