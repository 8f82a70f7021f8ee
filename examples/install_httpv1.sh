#!/bin/sh
# Lays the v1 example scheduler out below a folder: the program, its executor packed into one file, and an
# environment with nothing but what they import. This is what the Dockerfile does.
#
#   sh examples/install_httpv1.sh FOLDER [WHEELS]
#
# WHEELS is a folder that has every wheel needed; without it they are built from the tree.
set -eu
cd "$(dirname "$0")/.."
folder=$1
wheels=${2:-}
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

if [ -z "$wheels" ]; then
    wheels=$work/wheels
    set -- packages/pyglog 'packages/mesos-executor[pack]' 'packages/mesos-scheduler[metrics]'
    for name in auth detector http messenger proto; do
        set -- "$@" "packages/mesos-$name"
    done
    python3 -m pip wheel --quiet --wheel-dir "$wheels" "$@"
fi

# The names belong to other projects on the public index: nothing but the folder of wheels is looked at.
install() {
    environment=$1
    shift
    python3 -m venv --without-pip "$environment"
    python3 -m pip --quiet --python "$environment/bin/python" install --no-index --find-links "$wheels" "$@"
}

install "$work/pack" 'mesos-executor[pack]' pyglog
"$work/pack/bin/python" -m mesos_executor.pack examples/example_executor_httpv1.py -o "$folder/example-executor"
install "$folder/python" 'mesos-scheduler[metrics]' pyglog
cp -R examples/example_scheduler_httpv1.py examples/httpv1 "$folder"
