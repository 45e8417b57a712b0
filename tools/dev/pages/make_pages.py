"""Writes the man pages and the shell completion of the program, from what it and libcdsr say of themselves.

  make_pages.py CDSR LIBCDSR FOLDER

CDSR is the program, LIBCDSR the shared library; FOLDER gets cdsr.1, cdsr-filter.7 and cdsr.bash.
"""

import ctypes
import os
import re
import subprocess
import sys

INT, FLOAT, WORDS, TEXT, FLAG = range(5)  # cdsr_option_kind
RUNTIME, LIVE = 1, 2  # cdsr_option_flags
COLUMN = 30  # where the program's help begins to describe


class Word(ctypes.Structure):
    _fields_ = [("word", ctypes.c_char_p), ("help", ctypes.c_char_p), ("value", ctypes.c_int32)]


class Option(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("help", ctypes.c_char_p), ("kind", ctypes.c_int32),
                ("flags", ctypes.c_int32), ("since", ctypes.c_uint32), ("lowest", ctypes.c_double),
                ("highest", ctypes.c_double), ("number", ctypes.c_double), ("text", ctypes.c_char_p),
                ("words", ctypes.POINTER(Word)), ("offset", ctypes.c_size_t)]


def option_list(library):
    function = ctypes.CDLL(library).cdsr_option_list
    function.restype = ctypes.POINTER(ctypes.POINTER(Option))
    entries = function()
    index = 0
    while entries[index]:
        yield entries[index].contents
        index += 1


def words_of(option):
    index = 0
    while option.words and option.words[index].word is not None:
        yield option.words[index]
        index += 1


def entries_of(lines):
    """(name, text) of each line of a help's section: the text is beside a short name and below a long one."""
    for line, after in zip(lines, [*lines[1:], ""]):
        if line.startswith(" " * COLUMN):
            continue
        if after.startswith(" " * COLUMN):
            yield line.strip(), after.strip()
        else:
            yield line[:COLUMN].strip(), line[COLUMN:].strip()


def parse_help(text):
    """What it is, how it is used, and the entries of each section."""
    about, usage, *rest = text.splitlines()
    sections = {}
    for line in rest:
        if re.match(r"\S.*:$", line):
            lines = sections.setdefault(line[:-1], [])
        elif line.startswith("  "):
            lines.append(line)
    return about, usage.removeprefix("Usage: "), {name: list(entries_of(lines)) for name, lines in sections.items()}


def ask(program, *words):
    return subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return "\\&" + text if text.startswith(".") else text


def entry(name, *texts):
    lines = [".TP", f"\\fB{roff(name)}\\fR"]
    for number, text in enumerate(texts or [""]):
        lines += ([".br"] if number else []) + [roff(text)]
    return lines


def program_page(version, about, commands):
    lines = [f'.TH CDSR 1 "" "cdsr {version}"', ".ad l", ".SH NAME", "cdsr \\- " + roff(about.split(": ", 1)[1]), ".SH SYNOPSIS",
             "\\fBcdsr\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] ...", ".SH DESCRIPTION",
             "Upscales pictures, trains and measures networks. Video is upscaled by the filter of FFmpeg and GStreamer,",
             "see \\fBcdsr\\-filter\\fR(7).", ".SH COMMANDS"]
    for name, (what, usage, sections) in commands.items():
        lines += [f".SS {roff(name)}", roff(what) + ".", ".PP", f"\\fB{roff(usage)}\\fR"]
        for title in ("Positionals", "Options"):
            for option, text in sections.get(title, []):
                lines += entry(option, text)
    lines += [".SH EXIT STATUS", "0 done, 1 failed, 2 wrong usage.", ".SH ENVIRONMENT",
              *entry("CDSR_MODEL_PATH", "folders in which models are looked for first, separated by colons"), ".SH SEE ALSO",
              "\\fBcdsr\\-filter\\fR(7), \\fBffmpeg\\fR(1), \\fBgst\\-launch\\-1.0\\fR(1)"]
    return "\n".join(lines) + "\n"


def filter_page(version, options):
    lines = [f'.TH CDSR\\-FILTER 7 "" "cdsr {version}"', ".ad l", ".SH NAME",
             "cdsr\\-filter \\- options of the filter cdsr for FFmpeg and GStreamer", ".SH SYNOPSIS",
             "\\fBffmpeg \\-i\\fR \\fIIN\\fR \\fB\\-vf cdsr=\\fR\\fINAME\\fR\\fB=\\fR\\fIVALUE\\fR\\fB:\\fR... \\fIOUT\\fR", ".br",
             "\\fBgst\\-launch\\-1.0\\fR ... \\fB! cdsr\\fR \\fINAME\\fR\\fB=\\fR\\fIVALUE\\fR ... \\fB!\\fR ...", ".SH DESCRIPTION",
             "Looks at each shot once and upscales its frames by a network whose weights the shot chooses.",
             "GStreamer writes names with dashes.", ".SH OPTIONS"]
    for option in options:
        words = list(words_of(option))
        facts = []
        if option.kind in (INT, FLOAT):
            facts.append(f"{option.lowest:.10g} to {option.highest:.10g}")
        default = next((w.word.decode() for w in words if w.value == option.number), f"{option.number:.10g}")
        if option.kind == TEXT:
            default = (option.text or b"").decode()
        if default:
            facts.append(f"default {default}")
        if option.flags & RUNTIME:
            facts.append("may be changed at any time")
        if option.flags & LIVE:
            facts.append("not in FFmpeg")
        lines += entry(option.name.decode(), option.help.decode(), "(" + ", ".join(facts) + ")" if facts else "",
                       *(f"{w.word.decode()}: {w.help.decode()}" for w in words))
    lines += [".SH SEE ALSO", "\\fBcdsr\\fR(1), \\fBffmpeg\\fR(1), \\fBgst\\-inspect\\-1.0\\fR(1)"]
    return "\n".join(lines) + "\n"


def completion(commands):
    lines = ["# bash completion of cdsr", "_cdsr() {", "  local cur=${COMP_WORDS[COMP_CWORD]} words=",
             '  case "${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD - 1]}" in']
    for name, (_, _, sections) in commands.items():
        for option, _ in sections.get("Options", []):
            choices = re.match(r"(--[\w-]+).*:\{([^}]*)\}", option)
            if choices:
                lines.append(f"    '{name} {choices[1]}') words='{choices[2].replace(',', ' ')}' ;;")
    lines += ["    *)", "      case $COMP_CWORD:${COMP_WORDS[1]} in",
              f"        1:*) words='{' '.join(commands)} --help --version' ;;"]
    for name, (_, _, sections) in commands.items():
        names = [word for option, _ in sections.get("Options", []) for word in re.findall(r"--[\w-]+", option.split()[0])]
        lines.append(f"        *:{name}) words='{' '.join(names)}' ;;")
    lines += ["      esac", "      ;;", "  esac", '  [[ $COMP_CWORD -gt 1 && $words == --* && $cur != -* ]] && words=',
              '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")', "}", "complete -o default -F _cdsr cdsr"]
    return "\n".join(lines) + "\n"


def main(program, library, folder):
    version = ask(program, "--version").split()[1]
    about, _, sections = parse_help(ask(program, "--help"))
    commands = {name: parse_help(ask(program, name, "--help")) for name, text in sections["Subcommands"]
                if not text.startswith("(not in this build")}
    os.makedirs(folder, exist_ok=True)
    for name, text in (("cdsr.1", program_page(version, about, commands)),
                       ("cdsr-filter.7", filter_page(version, option_list(library))), ("cdsr.bash", completion(commands))):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__.strip())
    main(*sys.argv[1:])
