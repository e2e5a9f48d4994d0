// Makes a container's mounts in a mount namespace of its own, with the mesh's privileges. What it walks through may be
// the app's to change meanwhile, so it goes one directory at a time and asks the kernel where it has come to; a link on
// the way is a refusal. Its own tools lie outside of what it mounts over.

import { programRoot, stashDirectory } from "./pod-root.ts";

/** How many words `mountScript` takes for a step, the verb among them. */
export const MOUNT_STEP_WORDS = 9;

/**
 * Arguments: the number of steps, their words, and the command line of the program, which starts without waiting. It
 * writes a line to descriptor 7 once it has no privileges, closes it, and reads a line from descriptor 9 when the mounts
 * are there, or its end where they couldn't be made.
 */
export const mountScript = `
set -eu
root=${programRoot} stash=${stashDirectory}
refuse() { echo "Cannot mount at \\"$at\\": $1" >&2; exit 1; }
# Into an absolute directory that holds no link.
enter() {
  cd -P -- "$1" 2>/dev/null || refuse "\\"\${1#$root}\\" can't be entered"
  [ "$PWD" = "$1" ] || refuse "\\"\${1#$root}\\" is behind a link"
}
# Further down from where we are, by a relative path; $2 is the mode of directories to make, or empty.
descend() {
  if [ -z "$1" ]; then return; fi
  path=$1 mode=$2
  IFS=/
  set -f
  set -- $path
  set +f
  unset IFS
  for name; do
    here=$PWD
    if [ -n "$mode" ] && ! [ -e "./$name" ] && ! [ -L "./$name" ]; then mkdir -m "$mode" -- "./$name"; fi
    cd -P -- "./$name" 2>/dev/null || refuse "\\"$path\\" isn't a directory there"
    [ "$PWD" = "$here/$name" ] || refuse "\\"$path\\" leads out by a link"
  done
}
# Sets found to the root of the last mount at an escaped path, as the kernel has it.
look_up() {
  found=
  while read -r _ _ _ from where _; do
    if [ "$where" = "$1" ]; then found=$from; fi
  done < /proc/self/mountinfo
}
# Sets escaped to a name as mountinfo has it; names with tabs, backslashes or line breaks match nothing.
escape() {
  rest=$1 escaped=
  while :; do
    case $rest in
      *" "*) escaped="$escaped\${rest%% *}\\040" rest=\${rest#* } ;;
      *) break ;;
    esac
  done
  escaped=$escaped$rest
}
# A directory (".") or an entry of it onto the stash; never what a link leads to.
take() {
  if [ "$1" = . ]; then
    mount -n -c -o "$2" . "$stash/directory"
    return
  fi
  if [ -L "./$1" ] || ! [ -e "./$1" ] || [ -d "./$1" ]; then refuse "\\"$1\\" isn't a file there"; fi
  mount -n -c --bind . "$stash/around"
  mount -n -o "$2" "$stash/around/$1" "$stash/file"
  look_up "$stash/around"
  parent=\${found%/}
  look_up "$stash/file"
  [ "$found" = "$parent/$3" ] || refuse "\\"$1\\" leads out by a link"
  umount -n -l "$stash/around"
}
# What is on the stash to its place: where we are, or an entry there.
put() {
  if [ "$1" = . ]; then
    mount -n -c --move "$stash/directory" .
    return
  fi
  if ! [ -e "./$1" ]; then (set -C; : > "./$1"); fi
  mount -n -c --move "$stash/file" "./$1"
  look_up "$2"
  [ -n "$found" ] || refuse "\\"$1\\" leads out by a link"
}
bind() { # directory subPath mode leaf options base rest point
  source_leaf=$4 options=$5 base=$6 rest=$7 point=$8
  at=\${base%/}/$rest
  enter "$1"
  descend "$2" "$3"
  if [ "$source_leaf" = . ]; then
    take . "$options" ''
    enter "$root$base"
    descend "$rest" 0755
    put . ''
  else
    take "\${source_leaf%%/*}" "$options" "\${source_leaf#*/}"
    enter "$root$base"
    case $rest in
      */*) descend "\${rest%/*}" 0755 ;;
    esac
    put "\${rest##*/}" "$point"
  fi
}
# Covers a directory with a tmpfs that shows its entries, all or those listed, so that others can be made in it.
open_directory() { # directory mode entries
  at=$1 directory_mode=$2 entries=$3
  enter "$root$1"
  mount -n -c --rbind . "$stash/machine"
  mount -n -c -t tmpfs -o "mode=$directory_mode" meltemi .
  covered=$root$1
  cd "$stash/machine"
  if [ "$entries" = / ]; then set -- * .[!.]*; else IFS=/; set -f; set -- $entries; set +f; unset IFS; fi
  for entry; do
    cd "$stash/machine"
    if [ -L "./$entry" ]; then cp -P "./$entry" "$covered/"
    elif [ -d "./$entry" ]; then
      cd -P -- "./$entry"
      [ "$PWD" = "$stash/machine/$entry" ] || refuse "\\"$entry\\" has become a link"
      mkdir "$covered/$entry"
      mount -n -c --rbind . "$covered/$entry"
    elif [ -f "./$entry" ]; then
      escape "$entry"
      take "$entry" bind "$escaped"
      : > "$covered/$entry"
      mount -n -c --move "$stash/file" "$covered/$entry"
    fi
  done
  cd /
  umount -n -l "$stash/machine"
}
run_steps() {
  while [ "$1" -gt 0 ]; do
    left=$(($1 - 1))
    shift
    case $1 in
      open) open_directory "$2" "$3" "$4" ;;
      bind) bind "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$9" ;;
    esac
    shift ${MOUNT_STEP_WORDS}
    set -- "$left" "$@"
  done
}
mount -n -t tmpfs -o mode=0700,size=64k meltemi "$stash"
cd "$stash"
mkdir directory around machine
: > file
mkfifo begun ready
exec 6<>begun 7>begun 8<>ready 9<ready
exec 6<begun
cd /
# Not before the program has given up its privileges: until then it runs files that a step may cover. If it ends, nothing is made.
( (exec 7>&- 9<&-; read -r begun <&6 || exit 0; run_steps "$@" >/dev/null; echo ready >&8) & )
shift $(($1 * ${MOUNT_STEP_WORDS} + 1))
exec 6<&- 8>&-
exec "$@"
`;
