#!/bin/sh
# Stands in for ssh: the "container" is this machine. What it shall say is in files beside it.
here=$(dirname "$0")
for word; do
    case $previous in
        -S) socket=$word ;;
        -O) role=check ;;
    esac
    case $word in
        ControlMaster=yes) role=master ;;
        ProxyCommand=*) proxy=${word#ProxyCommand=} ;;
        StrictHostKeyChecking=accept-new) learns=yes ;;
        UserKnownHostsFile=*) hosts=${word#UserKnownHostsFile=} ;;
    esac
    previous=$word
done
lives() { [ -f "$socket" ] && kill -0 "$(cat "$socket")" 2>/dev/null; }

case $role in
    check) lives || exit 255 ;;
    master)
        echo attempt >>"$here/attempts"
        if [ -s "$here/refusals" ]; then
            head -n 1 "$here/refusals" >&2
            sed -i 1d "$here/refusals"
            exit 255
        fi
        if [ "$learns" ]; then
            learned=${hosts%%\" *}
            echo "10.9.8.7 ssh-ed25519 AAAA" >"${learned#\"}"
        fi
        echo $$ >"$socket"
        exec sh -c "$word"
        ;;
    *)
        lives && exec sh -c "$word"
        sh -c "$proxy"
        exit 255
        ;;
esac
