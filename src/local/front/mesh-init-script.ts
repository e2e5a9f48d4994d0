// What pid 1 of a mesh does, as a shell script: it gives the mesh a root directory of its own, starts the
// supervisor, reaps orphans, and ends with the supervisor, which takes everything in the mesh's pid namespace along.
// Never writes to the machine's files: all that it makes lies on a tmpfs that only the mesh sees.

/** Where the mesh's root directory holds what is ours. */
export const meshDirectory = "/.meltemi";

/** The pod's own files (resolv.conf, hosts, hostname): each pod's mount namespace has another directory there. */
export const podFilesDirectory = `${meshDirectory}/pod`;

/** Arguments: an empty directory to mount the root on, the working directory, and the supervisor's argv; fd 4 gets `ready`. */
export const meshInitScript = `
set -eu
root=$1 directory=$2
shift 2
mount -n -t tmpfs -o mode=0755,size=256m meltemi "$root"
# One process makes all directories: each one more would cost a millisecond of every start.
make_directories() {
  cd /
  set --
  for entry in * .[!.]*; do
    if [ -d "$entry" ] && ! [ -L "$entry" ]; then set -- "$@" "$root/$entry"; fi
  done
  mkdir "$@" "$root/.machine-etc" "$root/.machine-run" "$root/.machine-root"
}
make_directories
for entry in * .[!.]*; do
  case $entry in etc|run) continue ;; esac
  if [ -L "$entry" ]; then cp -P "$entry" "$root/$entry"
  elif [ -d "$entry" ]; then mount -n --rbind "/$entry" "$root/$entry" || rmdir "$root/$entry"
  elif [ -e "$entry" ]; then : > "$root/$entry"; mount -n --bind "/$entry" "$root/$entry" || rm "$root/$entry"
  fi
done
# The directory above holds the new root as well, so it was bound into itself.
if [ -d "$root$root" ]; then umount -n -l "$root$root" 2>/dev/null || :; fi
# /etc and /run become directories of ours, full of links: mount points can be made there, and single files replaced.
# Their stand-ins lie at the same depth, so relative links inside them still lead where they did.
mount -n --rbind /etc "$root/.machine-etc"
mount -n --rbind /run "$root/.machine-run"
cd "$root"
pivot_root . .machine-root
cd /
umount -n -l /.machine-root
rmdir /.machine-root
# mount's own notes stay in the mesh; the link that would lead to the machine's is the one that fails below.
mkdir -p /run/mount
for name in etc run; do
  ln -s "/.machine-$name"/* "/$name/" 2>/dev/null || :
  ln -s "/.machine-$name"/.[!.]* "/$name/" 2>/dev/null || :
  rm -f "/$name/*" "/$name/.[!.]*"
done
mkdir -p ${podFilesDirectory} ${meshDirectory}/pods ${meshDirectory}/pipes ${meshDirectory}/machine /run/meltemi
# Names are looked up by DNS alone: nscd and systemd-resolved answer for the machine, not for the mesh.
rm -f /run/nscd /run/netns /run/xtables.lock /etc/nsswitch.conf
mkdir /run/netns
if [ -e /.machine-etc/nsswitch.conf ]; then sed 's/^hosts:.*/hosts: files dns/' /.machine-etc/nsswitch.conf > /etc/nsswitch.conf; fi
for name in resolv.conf hosts hostname; do
  if [ -e "/.machine-etc/$name" ]; then cat "/.machine-etc/$name" > "${podFilesDirectory}/$name"; fi
  ln -sfn "${podFilesDirectory}/$name" "/etc/$name"
done
cd -- "$directory"
ip link set lo up
echo ready >&4
"$@" 4>&- &
# The supervisor alone may hold the channel to the front.
exec 3>&- 4>&-
wait $!
`;
