# The example for LiteLLM: its own virtual environment, because it brings some fifty packages that the product never needs.
PYTHON ?= python3
LITELLM_VENV := .venv-litellm
LITELLM_LOCK := examples/litellm/requirements.lock
LITELLM_COMPILE ?= .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: litellm litellm-install litellm-lock

litellm: litellm-install ## drive 200 requests through a LiteLLM router into the running product (ARGS="--seed 2")
	@$(LITELLM_VENV)/bin/python examples/litellm/drive.py $(ARGS)

# The lock's copy is written last, so that an interrupted installation is begun again, and a finished one needs no index.
litellm-install:
	@cmp -s $(LITELLM_LOCK) $(LITELLM_VENV)/installed.lock || { \
		echo "Installing LiteLLM into $(LITELLM_VENV) ..."; \
		$(PYTHON) -m venv --clear $(LITELLM_VENV) && \
		$(LITELLM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LITELLM_LOCK) && \
		cp $(LITELLM_LOCK) $(LITELLM_VENV)/installed.lock; }

litellm-lock:
	$(LITELLM_COMPILE) examples/litellm/requirements.in -o $(LITELLM_LOCK)
