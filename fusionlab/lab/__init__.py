"""Where points come from: tasks, networks, training, and the zoo that keeps what was trained."""

from fusionlab.descent import Recipe
from fusionlab.lab.backdoors import attacked, backdoored
from fusionlab.lab.forks import Fork, fork
from fusionlab.lab.many import train_many
from fusionlab.lab.models import convnet, mlp, resnet, torchvision_model
from fusionlab.lab.places import data_root
from fusionlab.lab.reading import image_folder, read_data
from fusionlab.lab.runs import Run
from fusionlab.lab.starts import initial
from fusionlab.lab.tables import diabetes
from fusionlab.lab.tasks import Task, digits, letters, spirals, two_moons
from fusionlab.lab.texts import characters
from fusionlab.lab.training import train
from fusionlab.lab.vision import cifar10, fashion_mnist, mnist
from fusionlab.lab.zoo import zoo

__all__ = [
    "Fork",
    "Recipe",
    "Run",
    "Task",
    "attacked",
    "backdoored",
    "characters",
    "cifar10",
    "convnet",
    "data_root",
    "diabetes",
    "digits",
    "fashion_mnist",
    "fork",
    "image_folder",
    "initial",
    "letters",
    "mlp",
    "mnist",
    "read_data",
    "resnet",
    "spirals",
    "torchvision_model",
    "train",
    "train_many",
    "two_moons",
    "zoo",
]
