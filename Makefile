# `make serve` and `make test` are all that a newcomer needs. HOST, PORT, DOCS, INDEX and MODEL may follow
# them: `make serve PORT=8123 DOCS=/path/to/folder`.

PYTHON ?= python3

# .venv is made, and where it was left unfinished made anew, by this file alone.
pip := .venv/bin/python -m pip --disable-pip-version-check
qa := .venv/bin/qa

# Builds of packages from source get the same versions; what the variable is called depends on pip's age.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

# Only what is given on the command line counts: HOST in the environment is often the machine's name.
$(foreach name,HOST PORT DOCS INDEX MODEL,$(if $(findstring command line,$(origin $(name))),\
	$(eval export QA_$(name) := $$($(name)))))

.DEFAULT_GOAL := help
benches := bench-encode bench-index bench-serve bench-peers
.PHONY: help serve test exports patterns processes ray test-lowest e2e screenshots lint format clean kills slow milvus fuzz audit endurance hostile adapters clients installs \
	tiny-files bench-scale bench-stores bench-ray bench-page bench-scans $(benches)

help:
	@echo 'make serve   build or update the index of docs_raw and serve it on http://127.0.0.1:8000'
	@echo 'make test    run the tests, but for those of the next six targets'
	@echo 'make exports  run the tests of preparing models'
	@echo 'make patterns  look for texts that take a regular expression too long'
	@echo 'make processes  run the tests that start the service, a watch or the commands of the documentation'
	@echo 'make installs  install the wheel, and the image on a clean Debian, and ask both; as root, with mmdebstrap'
	@echo 'make ray     run the tests of building on a Ray cluster'
	@echo 'make milvus  run the tests of the Milvus store, some on a real server, which a package brings'
	@echo 'make test-lowest  run the core tests with the lowest versions that pyproject.toml allows'
	@echo 'make slow    run the tests that take minutes, too'
	@echo 'make fuzz    ask the readers and the API for what nobody thought of; SECONDS=60, EXAMPLES=200'
	@echo 'make audit   ask whether any of the packages has a known hole'
	@echo 'make endurance  ask a service 100,000 questions and watch its memory'
	@echo 'make hostile  search a service while hostile clients hold on to it, and watch its latency and memory'
	@echo 'make tiny-files  index a million tiny files, and watch time and memory'
	@echo 'make kills   kill hundreds of builds, and see that nothing is lost'
	@echo 'make adapters  run the adapters for LangChain and Haystack with the real packages'
	@echo 'make clients  generate clients from the description of the API, and use them'
	@echo 'make e2e     run the tests of the page in a real browser, which takes Chromium'
	@echo 'make screenshots  the same, and put the pictures that they take into docs'
	@echo 'make lint    check style and types'
	@echo 'make format  put the code in its style'
	@echo 'make bench-encode DATA=/folder/of/questions  compare the encoder with sentence-transformers'
	@echo 'make bench-index DATA=...  compare the time to an index with txtai'
	@echo 'make bench-serve DATA=...  measure the service: start, latency, questions a second, memory'
	@echo 'make bench-peers DATA=...  compare quality and latency with txtai and Chroma'
	@echo 'make bench-page  measure the page in a browser: from the last key to the results, and what is loaded'
	@echo 'make bench-scans DATA=...  draw the documents as scans, recognise them, and compare with the text itself'
	@echo 'make bench-scale DATA="... ..."  measure build, memory and search up to a million passages'
	@echo 'make bench-stores DATA="... ..."  compare the local store with a Milvus on 100,000 passages'
	@echo 'make bench-ray DATA="... ..."  compare the time to an index with and without Ray'
	@echo 'make clean   remove the environment, the index and caches; the documents stay'

# 3: the index is built, but some files could not be read, which it has told.
multilingual := $(if $(filter %multilingual-e5-small,$(QA_MODEL)),.venv/.installed-multilingual)
serve: .venv/.installed $(multilingual)
	@$(qa) index || test $$? -eq 3
	@$(qa) serve

# What a target of its own runs. Everything else is in `make test`, in two processes; one takes a file's tests.
processes := tests/web/server tests/test_readme.py tests/test_examples.py tests/batch/test_kills.py \
	$(patsubst %,tests/indexing/test_%.py,kills watch)
exports := tests/embedding/export/test_conversion.py
patterns := tests/test_patterns.py
installs := tests/install
ray := tests/indexing/test_ray_workers.py
milvus := tests/stores/milvus

# ARGS may name any tests: then they run one after another, whatever their target is.
JOBS := 2
in_parallel := --numprocesses $(JOBS) --dist loadfile
test: .venv/.installed-dev
	.venv/bin/python -m pytest --ignore tests/e2e \
		$(or $(ARGS),$(in_parallel) $(addprefix --ignore ,$(exports) $(patterns) $(installs) $(processes) $(ray) $(milvus)))

exports: .venv/.installed-dev
	.venv/bin/python -m pytest --numprocesses $(JOBS) $(exports) $(ARGS)

patterns: .venv/.installed-dev
	.venv/bin/python -m pytest --numprocesses $(JOBS) $(patterns) $(ARGS)

processes: .venv/.installed-dev
	.venv/bin/python -m pytest $(processes) $(ARGS)

installs: .venv/.installed-dev
	.venv/bin/python -m pytest -rs $(installs) $(ARGS)

ray: .venv/.installed-dev
	.venv/bin/python -m pytest $(ray) $(ARGS)

milvus: .venv/.installed-dev
	.venv/bin/python -m pytest --slow $(milvus) $(ARGS)

# What calls each package that pyproject.toml names once at least.
core := $(patsubst %,tests/text/%.py,test_language test_terms segmentation/test_sentences) \
	$(wildcard tests/readers/test_*.py) tests/readers/html tests/readers/pdf/test_extraction.py \
	tests/readers/pdf/rendering/test_renderer.py \
	$(patsubst %,tests/embedding/test_%.py,sentence_transformer reranker) \
	$(patsubst %,tests/embedding/export/test_%.py,encoder quantization runtimes) \
	tests/index/test_store.py tests/index/lexical/test_bm25.py tests/index/dense \
	$(patsubst %,tests/retrieval/test_%.py,live searcher) \
	$(patsubst %,tests/evaluation/test_%.py,comparison measures runs) \
	$(patsubst %,tests/indexing/test_%.py,build watch) $(patsubst %,tests/cli/test_%.py,ask_command build_commands) \
	$(patsubst %,tests/stores/milvus/test_%.py,away upload) \
	$(patsubst %,tests/web/%.py,api/test_endpoints api/test_openapi pages/test_i18n pages/test_views) \
	tests/web/access/test_rate_limit.py $(patsubst %,tests/web/server/test_%.py,metrics native_threads) \
	tests/web/server/test_processes.py::test_one_connection_serves_many_requests_and_the_service_stops_cleanly
test-lowest: build/lowest-venv/.installed
	build/lowest-venv/bin/python -m pytest $(in_parallel) $(core) $(ARGS)

# The packages of .venv serve here, too: only what the adapters need beyond them is installed.
adapters: build/adapters-venv/.installed
	HAYSTACK_TELEMETRY_ENABLED=False build/adapters-venv/bin/python -m pytest tests/test_adapters.py $(ARGS)

# Without npm, the client in TypeScript is skipped.
clients: build/clients-venv/.installed
	build/clients-venv/bin/python -m pytest -rs tests/clients $(ARGS)

e2e: .venv/.installed-dev
	.venv/bin/python -m pytest -rs tests/e2e $(ARGS)

screenshots: e2e
	mkdir -p docs && cp build/screenshots/*.png docs/

# ARGS='--sample 50' takes some of them.
kills: .venv/.installed-dev
	OMP_NUM_THREADS=1 .venv/bin/python tests/kill_builds.py $(ARGS)

slow: .venv/.installed-dev
	.venv/bin/python -m pytest --slow --ignore tests/e2e $(ARGS)

SECONDS := 60
EXAMPLES := 200
fuzz: .venv/.installed-fuzz
	cd tests && ../.venv/bin/python fuzz_readers.py -max_total_time=$(SECONDS)
	EXAMPLES=$(EXAMPLES) .venv/bin/python -m pytest tests/fuzz_api.py

# No hole is known of what the index of packages does not know: it says so of each.
audit: .venv/.installed-fuzz
	.venv/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip

endurance: .venv/.installed
	.venv/bin/python benchmarks/endurance.py $(ARGS)

hostile: .venv/.installed
	.venv/bin/python benchmarks/hostile.py $(ARGS)

# A million take half an hour and 12 GB: ARGS='--files 100000' takes fewer.
tiny-files: .venv/.installed
	.venv/bin/python benchmarks/tiny_files.py $(ARGS)

lint: .venv/.installed-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: .venv/.installed-dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench-encode: bench := encoding
bench-index: bench := indexing
bench-serve: bench := serving
bench-peers: bench := peers
$(benches): .venv/.installed build/peers-venv/.installed
	@test -n '$(DATA)' || { echo 'Name a folder with docs/ and questions.jsonl: make $@ DATA=...'; exit 2; }
	.venv/bin/python benchmarks/$(bench).py '$(DATA)' --python build/peers-venv/bin/python $(ARGS)

# A million passages take some 30 GB and half an hour or more: SIZES='10000 100000', WORK=/folder/for/them.
SIZES := 10000 100000 1000000
WORK := build/scale
bench-scale: .venv/.installed
	@test -n '$(DATA)' || { echo 'Name folders with docs/ and questions.jsonl: make $@ DATA=...'; exit 2; }
	.venv/bin/python benchmarks/scale.py $(DATA) --sizes $(SIZES) --work '$(WORK)' $(ARGS)

bench-stores: .venv/.installed-dev
	@test -n '$(DATA)' || { echo 'Name folders with docs/ and questions.jsonl: make $@ DATA=...'; exit 2; }
	.venv/bin/python benchmarks/stores.py $(DATA) --work '$(WORK)' $(ARGS)

bench-ray: .venv/.installed-dev
	@test -n '$(DATA)' || { echo 'Name folders with docs/ and questions.jsonl: make $@ DATA=...'; exit 2; }
	.venv/bin/python benchmarks/ray_build.py $(DATA) $(ARGS)

bench-page: .venv/.installed-dev
	.venv/bin/python benchmarks/page.py $(ARGS)

bench-scans: .venv/.installed-dev
	@test -n '$(DATA)' || { echo 'Name a folder with docs/ and questions.jsonl: make $@ DATA=...'; exit 2; }
	.venv/bin/python benchmarks/scans.py '$(DATA)' $(ARGS)

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find index -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +

.venv/.installed: .venv/.made pyproject.toml constraints.txt
	$(pip) install --editable .
	@touch $@

.venv/.installed-dev: .venv/.made pyproject.toml constraints.txt
	$(pip) install --editable '.[dev]'
	@touch .venv/.installed $@

.venv/.installed-multilingual: .venv/.made pyproject.toml constraints.txt
	$(pip) install --editable '.[multilingual]'
	@touch .venv/.installed $@

.venv/.installed-fuzz: .venv/.installed-dev
	$(pip) install --editable '.[dev,fuzz]'
	@touch $@

# pip chooses what these packages need in turn, as it does for a user.
build/lowest-venv/.installed: pyproject.toml tests/lowest_versions.py
	$(PYTHON) -m venv --clear build/lowest-venv
	build/lowest-venv/bin/python tests/lowest_versions.py test milvus >build/lowest-venv/constraints.txt
	PIP_CONSTRAINT=build/lowest-venv/constraints.txt \
		build/lowest-venv/bin/python -m pip --disable-pip-version-check install --no-compile --editable '.[test,milvus]'
	@touch $@

# An environment that has the packages of .venv, too, without installing them again.
define venv_upon_ours
$(PYTHON) -m venv --clear $(@D)
.venv/bin/python -c 'import sysconfig; print("import site; site.addsitedir({purelib!r})".format(**sysconfig.get_paths()))' \
	>"$$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/project.pth"
endef

# Without constraints.txt, with which Haystack's own requirements conflict.
build/adapters-venv/.installed: .venv/.installed-dev examples/requirements.txt
	$(venv_upon_ours)
	env --unset=PIP_CONSTRAINT $(@D)/bin/python -m pip --disable-pip-version-check install \
		--requirement examples/requirements.txt
	@touch $@

build/clients-venv/.installed: .venv/.installed-dev tests/clients/requirements.txt tests/clients/package.json
	$(venv_upon_ours)
	env --unset=PIP_CONSTRAINT $(@D)/bin/python -m pip --disable-pip-version-check install \
		--requirement tests/clients/requirements.txt
	cp tests/clients/package.json $(@D)
	! command -v npm || npm install --prefix $(@D) --no-package-lock --no-audit --no-fund
	@touch $@

build/peers-venv/.installed: benchmarks/peers-requirements.txt constraints.txt
	$(PYTHON) -m venv --clear build/peers-venv
	build/peers-venv/bin/python -m pip --disable-pip-version-check install --requirement $<
	@touch $@

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed: make PYTHON=/path/to/python3.11 ...")'
	$(PYTHON) -m venv --clear .venv
	@touch $@
