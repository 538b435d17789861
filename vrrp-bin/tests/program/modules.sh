# Kernel modules for an initial file system; to be sourced.

# put_modules MODULES TREE NAME...: copies modules from below MODULES into TREE, with those that they need, and lists them in
# the order in which they need each other.
put_modules() {
    local modules=$1 tree=$2 release name file
    shift 2
    release=$(ls "$modules/lib/modules")
    touch "$tree/modules/order"
    for name; do
        modprobe -d "$modules" -S "$release" --show-depends "$name" | sed -n 's/^insmod //p'
    done | awk '!seen[$1]++ { print $1 }' | while read -r file; do
        name=$(basename "$file")
        cp "$file" "$tree/modules/$name"
        case $name in *.xz) xz -d "$tree/modules/$name" ;; esac
        echo "${name%.xz}" >>"$tree/modules/order"
    done
}
