# Set up around an author's script in a POSIX shell, as prelude/bash.sh. dash
# knows only descriptors below 10, and does not say when it is in a subshell.
exec 7>&2
export PATH=@PATH@ HOME=@HOME@ USER=@USER@ LOGNAME=@USER@ SHELL=/bin/bash LANG=C.UTF-8 LABMARK_RUN=@RUN@
umask 022
cd "$HOME" 2>/dev/null || cd /
__lm_kind= __lm_got= __lm_of= __lm_msg= __lm_exit=
__lm_say() { command printf @FORMAT@ "$1" "$__lm_kind" "$__lm_got" "$__lm_of" "$__lm_msg"@VALUES@ >&7; }
__lm_verdict() {
__lm_kind=$2 __lm_got=$3 __lm_of=$4 __lm_msg=$5
__lm_say ''
exit "$1"
}
pass() { __lm_verdict 0 pass '' '' "$*"; }
fail() { __lm_verdict 1 fail '' '' "$*"; }
partial() {
__lm_got=${1-} __lm_of=${2-}
[ $# -lt 2 ] || shift 2
__lm_verdict 1 partial "$__lm_got" "$__lm_of" "$*"
}
unsure() { __lm_verdict 75 unsure '' '' "$*"; }
__lm_back() { return "$1"; }
__lm_end() {
{ set +euvx; } 2>/dev/null
__lm_kind=
if [ "$__lm_exit" ]; then
__lm_say ''
__lm_back "$1"
eval "$__lm_exit"
else
__lm_say "$1"
fi
}
__lm_trap() {
[ $# -gt 0 ] || { \trap; return; }
[ "$1" != -- ] || shift
__lm_action=-
[ $# -lt 2 ] || { __lm_action=$1; shift; }
for __lm_signal; do
case $__lm_signal in
0 | EXIT) if [ "$__lm_action" = - ]; then __lm_exit=; else __lm_exit=$__lm_action; fi ;;
*) \trap "$__lm_action" "$__lm_signal" || return ;;
esac
done
}
\trap '__lm_end $?' EXIT
alias trap=__lm_trap
@EARLY@
