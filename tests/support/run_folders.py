"""Folders of runs as they are left when the program is killed."""
import shutil


def forget_after(step, run):
    """Makes it what it was a moment after this checkpoint; what the run told since is there."""
    (run / "summary.json").unlink()
    for folder in (run / "checkpoints").glob("step-*"):
        if int(folder.name.split("-")[1]) > step:
            shutil.rmtree(folder)


def cut_after(step, whole, run):
    """A copy of the folder, as the program would have left it."""
    shutil.copytree(whole, run, symlinks=True)
    forget_after(step, run)
