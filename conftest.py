"""What holds for every test run, that of the notebooks too."""

import os

# Progress bars would be outputs that the stored notebooks do not have.
os.environ["TQDM_DISABLE"] = "1"
