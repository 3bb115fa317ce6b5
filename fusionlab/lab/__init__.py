"""Where points come from: tasks, networks, training, and the zoo that keeps what was trained."""

from fusionlab.descent.recipes import Recipe
from fusionlab.lab.many import train_many
from fusionlab.lab.models import convnet, mlp, resnet, torchvision_model
from fusionlab.lab.places import data_root
from fusionlab.lab.runs import Run
from fusionlab.lab.tasks import Task, digits, letters, spirals, two_moons
from fusionlab.lab.training import train
from fusionlab.lab.vision import cifar10, fashion_mnist, mnist
from fusionlab.lab.zoo import zoo

__all__ = [
    "Recipe",
    "Run",
    "Task",
    "cifar10",
    "convnet",
    "data_root",
    "digits",
    "fashion_mnist",
    "letters",
    "mlp",
    "mnist",
    "resnet",
    "spirals",
    "torchvision_model",
    "train",
    "train_many",
    "two_moons",
    "zoo",
]
