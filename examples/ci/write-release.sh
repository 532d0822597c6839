#!/bin/sh
# Writes a release file to standard output: the version that is given, the commits since the last tag with their times, the
# tickets that they name, the changes that they add in changes/, and what release.in.yaml says of components.
#
# usage: write-release.sh VERSION > release.yaml
set -eu

version=$1
last=$(git describe --tags --abbrev=0 HEAD^ 2>/dev/null || true)
commits=${last:+$last..}HEAD

echo "version: $version"
echo "commits:"
git log --format='  - {id: "%H", at: "%cI"}' "$commits"

tickets=$(git log --format=%B "$commits" | grep -oE '[A-Z][A-Z0-9]+-[0-9]+' | sort -u | paste -sd, -)
if [ -n "$tickets" ]; then
    echo "tickets: [$tickets]"
fi

if [ -n "$last" ]; then
    added=$(git diff --name-only --diff-filter=A "$last" HEAD -- changes)
else
    added=$(git ls-files -- changes)
fi
changes=$(echo "$added" | sed -n 's|^changes/\([^/]*\)\.md$|\1|p' | paste -sd, -)
if [ -n "$changes" ]; then
    echo "changes: [$changes]"
fi

cat release.in.yaml
