"""The pages and papers of a bundle: whole in themselves, without script, font or network."""

from pathlib import Path

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from governance.reads.bundles import Contents, Told
from governance.reads.papers import STYLE, pdf

SCREEN = "css/bundle.css"
README = """A bundle of Ombud: {title}
{statement}

Open index.html in a browser. Nothing is fetched from anywhere.

index.html       what there is, with links to everything
items/           one walkthrough each, as a page and as PDF
data/            the same as JSON, and as tables (CSV, RFC 4180; text that a spreadsheet would
                 compute has an apostrophe in front)
proofs/          one inclusion proof for each audit event that is named
trail/           the audit trail with its signed checkpoints
verify/          the programs that check all this
manifest.json    size and SHA-256 of every file

{trail}
{missing}
To check it, unpack it and run, with Python 3.11 and the package `cryptography`:

    python verify/ombud_bundle.py [--key PUBLIC-KEY]

Give the public key that you got by another way; without it the key of the bundle is believed. Then
compare the digest of the manifest that is printed with the one that Ombud shows for this bundle:
it is also in the trail, in the event governance.bundle.built.

    python verify/ombud_sample.py data/sample.json     draws the sample again, with Python alone
    python verify/ombud_verify.py trail                checks the trail alone
    python verify/ombud_verify.py proofs/NUMBER.json   checks one proof
"""


def index_page(contents: Contents, printed: set[str], trail: str) -> str:
    context = {"contents": contents, "printed": printed, "trail": trail, "style": _style()}
    return render_to_string("governance/bundle/index.html", context)


def item_page(contents: Contents, one: Told) -> str:
    context = {"contents": contents, "one": one, "style": _style()}
    return render_to_string("governance/bundle/item.html", context)


def item_paper(contents: Contents, one: Told) -> bytes:
    """The walkthrough as PDF.

    Raises:
        CannotPrint: it is too long, or the server lacks the libraries.
    """
    context = {"contents": contents, "one": one, "paper": True}
    return pdf(render_to_string("governance/bundle/item.html", context))


def instructions(contents: Contents, trail: str, unprinted: list[str]) -> str:
    missing = "".join(f"Not made as PDF: {line}\n" for line in unprinted)
    return README.format(
        title=contents.title, statement=contents.statement, trail=trail, missing=missing
    )


def _style() -> SafeString:
    """Our style sheets, for a page that may link to nothing."""
    sheets = [Path(str(finders.find(name))).read_text() for name in (STYLE, SCREEN)]
    return mark_safe(f"<style>{''.join(sheets)}</style>")  # noqa: S308 - our own files
