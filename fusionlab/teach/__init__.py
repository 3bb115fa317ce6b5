"""Predict, check, quiz: what a notebook asks its reader, offline and by keyboard."""

from fusionlab.teach.beginning import begin
from fusionlab.teach.checks import Exercise, Property, Verdict, Wrong
from fusionlab.teach.course import EXERCISES, QUIZZES, check, quiz
from fusionlab.teach.failures import goes_wrong
from fusionlab.teach.own import Own, bring_your_own
from fusionlab.teach.predictions import Prediction, predict
from fusionlab.teach.quizzes import Question, Quiz

__all__ = [
    "EXERCISES",
    "QUIZZES",
    "Exercise",
    "Own",
    "Prediction",
    "Property",
    "Question",
    "Quiz",
    "Verdict",
    "Wrong",
    "begin",
    "bring_your_own",
    "check",
    "goes_wrong",
    "predict",
    "quiz",
]
