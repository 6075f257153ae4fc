# Plain comments as Doxygen's: above a declaration "///", behind one "///<", the header's first ones its own.
# Code in comments, set in by more than one space, stays as it is written.
function documented(text) {
  gsub(/\\/, "\\\\", text)
  gsub(/[@<>#%]/, "\\\\&", text)
  return text
}
NR == 1 { print "/// @file\n///" }
{
  at = match($0, / *\/\/( |$)/)
  only = at > 0 && substr($0, 1, RSTART - 1) == ""
  if (at == 0 || $0 ~ /"[^"]*\/\/[^"]*"/) {
    behind = 0
    print
  } else if (only) {
    text = substr($0, RSTART + RLENGTH)
    column = RSTART + RLENGTH
    print substr($0, 1, index($0, "//") - 1) (behind && column == behind ? "///< " : "/// ") documented(text)
  } else {
    behind = RSTART + RLENGTH
    if ($0 ~ /^}/) print substr($0, 1, RSTART - 1)  # the end of a namespace
    else print substr($0, 1, RSTART - 1) "  ///< " documented(substr($0, RSTART + RLENGTH))
  }
}
