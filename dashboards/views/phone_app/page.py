"""The page of a version on devices: its Core ML package, how that was checked, and its ONNX file."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboards.markdown import plain
from dashboards.services.format import size_of, visible
from dashboards.session import OpenModel, current
from dashboards.views.phone_app import onnx_file, package
from dashboards.views.phone_app.package import NoPackage, Package

KINDS = {
    "distance": "distances to every reference image",
    "topk": "the nearest images and their distances",
    "classifier": "the label and its probability",
    "features": "the feature vector; the app compares it with its own rows",
}


def page(now: OpenModel) -> None:
    """Show both exports: the Core ML package that the version carries, and the ONNX file."""
    st.caption(
        "The model on a phone or in a browser: one file with the network, its preprocessing, the projection and the "
        "references."
    )
    apple(now)
    onnx(now)


def apple(now: OpenModel) -> None:
    """Show the Core ML package, or how to make one."""
    st.header("Core ML: iPhone, iPad, Mac")
    try:
        found = package.package(now.loaded)
    except NoPackage as problem:
        st.info(plain(problem), icon=":material/phone_iphone:")
        st.markdown("Make one from this version, or let the pipeline make one for the next:")
        st.code(package.commands(now.version), language=None, wrap_lines=True)
        st.caption(
            "The export needs coremltools, which `make install` brings for Python up to 3.13; it runs on Linux, too."
        )
        return
    figures(found)
    download(now, found)
    verification(found)
    ports(found)
    swift(found)


def figures(found: Package) -> None:
    """Show size and kind in a row."""
    shown = [
        ("Size", size_of(found.bytes), "Of the package, before the App Store packs it"),
        ("Reference images", f"{found.n:,}", "Images that a picture is compared with"),
        ("Dimensions", f"{found.dim:,}", "Of the vectors that are compared"),
        ("Numbers", found.precision, "How weights and vectors are stored"),
        ("Compression", found.compression, "Of the weights"),
        ("Runs on", found.system, "The oldest systems that run it"),
    ]
    with st.grid("auto", min_column_width=150):
        for title, value, meaning in shown:
            with st.container(border=True, gap="xxsmall", height="stretch"):
                st.caption(title, help=meaning)
                st.markdown(f"**{plain(value)}**")


def download(now: OpenModel, found: Package) -> None:
    """Offer the package as a zip."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download",
            lambda: archive(now, found),
            f"{found.stem}.zip",
            "application/zip",
            type="primary",
            icon=":material/download:",
            on_click="ignore",
            help="A zip of the package, its references and the Swift package that calls it",
        )
        st.caption(f"{plain(found.name)} with its references, and the Swift package ImageSimilarity", width="content")


def archive(now: OpenModel, found: Package) -> bytes:
    """Make the zip when it is asked for."""
    return Path(package.archive(now.loaded, found)).read_bytes()


def verification(found: Package) -> None:
    """Show how the package was compared with Python."""
    st.header("Verification")
    status, words = package.verdict(found.verification)
    say = {"passed": st.success, "failed": st.error}.get(status, st.warning)
    icons = {"passed": ":material/verified:", "failed": ":material/error:"}
    say(f"**{status.capitalize()}.** {plain(words)}", icon=icons.get(status, ":material/help:"))
    if found.verification is None or not found.verification.metrics:
        return
    table = package.verification_table(found.verification)
    st.dataframe(
        table,
        hide_index=True,
        column_order=["result", "meaning", "value", "limit"],
        alt=f"Table of {len(table)} figures of the verification with their limits",
        column_config={
            "meaning": st.column_config.TextColumn("Figure", width="medium"),
            "value": st.column_config.NumberColumn("Value", format="%.3g"),
            "limit": "Limit",
            "result": "Result",
        },
    )
    st.caption("The package is run from its own files by an interpreter on this side, and compared with Python.")


def ports(found: Package) -> None:
    """List inputs and outputs by name."""
    st.header("Inputs and outputs")
    st.markdown(f"It gives {KINDS.get(found.kind, plain(found.kind))}.")
    rows = [("in", name, kind) for name, kind in found.inputs.items()]
    rows += [("out", name, kind) for name, kind in found.outputs.items()]
    st.dataframe(
        {
            "Way": [side for side, *_ in rows],
            "Name": [visible(name) for _, name, _ in rows],
            "Type": [visible(kind) for *_, kind in rows],
        },
        hide_index=True,
        alt=f"Table of {len(rows)} inputs and outputs",
    )


def swift(found: Package) -> None:
    """Show the lines that an app needs."""
    st.header("In an app")
    st.markdown(
        "Drag the model and its references into Xcode, add the package `ImageSimilarity` from the zip, and ask:"
    )
    st.code(package.swift_call(found), language=None, wrap_lines=True)


def onnx(now: OpenModel) -> None:
    """Offer the ONNX file, which is made from the version, and show the lines that a page in a browser needs."""
    st.header("ONNX: Android, browsers, servers")
    if now.loaded.model.references.onnx is None:
        st.info("This version holds no network: it was made from vectors.", icon=":material/android:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Download ONNX",
            lambda: onnx_file.archive(now.loaded, now.version).read_bytes(),
            f"{onnx_file.name_of(now.version)}-onnx.zip",
            "application/zip",
            icon=":material/download:",
            on_click="ignore",
            help="A zip of the file and its references, for ONNX Runtime",
        )
        st.caption(
            f"Made from this version in some seconds, and compared with Python by {onnx_file.PICTURES} pictures: one "
            "that disagrees is not given out.",
            width="content",
        )
    st.code(onnx_file.command(now.version), language=None, wrap_lines=True)
    st.markdown("It takes pictures of any size. In a browser, with the package `onnxruntime-web`:")
    st.code(onnx_file.CALL.replace("NAME", onnx_file.name_of(now.version)), language=None, wrap_lines=True)


page(current())
