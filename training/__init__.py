"""Training of ``mini``: a teacher's features are distilled into ten convolutions.

    python -m training PHOTOS... --teacher mobilenet_v2 --output mini.safetensors

    photos.py      a folder or Parquet of images -> arrays of small pictures and the teacher's features of their crops
    teacher.py     any backbone as the teacher
    network.py     the network as it is trained (batch normalisation, skips), folded into the one that is packaged
    augment.py     what the student sees of a crop
    loss.py        how far the student is from the teacher
    muon.py        the optimiser of the convolutions
    precision.py   where half precision pays
    distill.py     the loop: seeded, resumable, with time left
    team.py        several processes that train one network
    package.py     the packaged file
    reports.py     what is told, and logged to MLflow
    task.py        all of it in its order
    __main__.py    the command

Nothing in the library imports this package.
"""
