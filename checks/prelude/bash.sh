# Set up around an author's script in bash. Go fills in @NAME@; lines that begin
# with "#" are not sent. Only builtins: every fork costs a guest milliseconds.
#
# A copy of standard error stays open as the way out, whatever the script does
# with its own.
exec 119>&2
unset -v BASH_ENV ENV CDPATH GLOBIGNORE LANGUAGE TMPDIR ${!LC_@}
export PATH=@PATH@ HOME=@HOME@ USER=@USER@ LOGNAME=@USER@ SHELL=/bin/bash LANG=C.UTF-8 LABMARK_RUN=@RUN@
umask 022
cd "$HOME" 2>/dev/null || cd /
__lm_kind= __lm_got= __lm_of= __lm_msg= __lm_exit=
# __lm_say STATUS prints a record; an empty status means that more may follow.
__lm_say() { builtin printf @FORMAT@ "$1" "$__lm_kind" "$__lm_got" "$__lm_of" "$__lm_msg"@VALUES@ >&119; }
# In a subshell the variables are about to be lost, so they are said at once.
__lm_verdict() {
__lm_kind=$2 __lm_got=$3 __lm_of=$4 __lm_msg=$5
if ((BASH_SUBSHELL)); then { __lm_say ''; } 2>/dev/null; fi
exit "$1"
}
pass() { __lm_verdict 0 pass '' '' "$*"; }
fail() { __lm_verdict 1 fail '' '' "$*"; }
partial() { __lm_verdict 1 partial "${1-}" "${2-}" "${*:3}"; }
unsure() { __lm_verdict 75 unsure '' '' "$*"; }
__lm_back() { return "$1"; }
__lm_end() {
{ set +euvx; builtin trap - DEBUG ERR RETURN; } 2>/dev/null
if [[ $__lm_exit ]]; then
__lm_say ''
__lm_back "$1"
eval "$__lm_exit"
else
__lm_say "$1"
fi
}
# An author's own EXIT trap runs after the record has been printed.
trap() {
if ((BASH_SUBSHELL)) || [[ ${1-} == -[lp]* ]] || (($# == 0)); then builtin trap "$@"; return; fi
[[ $1 == -- ]] && shift
local action=- signal
(($# > 1)) && { action=$1; shift; }
for signal; do
case ${signal^^} in
0 | EXIT | SIGEXIT) if [[ $action == - ]]; then __lm_exit=; else __lm_exit=$action; fi ;;
*) builtin trap -- "$action" "$signal" || return ;;
esac
done
}
builtin trap '__lm_end $?' EXIT
BASH_ARGV0=check
@EARLY@
