"""What holds for the notebooks when they are tested."""

import os

# Progress bars would be outputs that the stored notebooks do not have.
os.environ["TQDM_DISABLE"] = "1"
