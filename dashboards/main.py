"""The script of every page: navigation, the model that the URL asks for, the sidebar, title, then the page."""

from pathlib import Path

import streamlit as st

from dashboards import session, state
from dashboards.widgets import sidebar
from dashboards.widgets.decisions.bulk_bar import bulk_bar
from dashboards.widgets.sharing import sharing
from dashboards.widgets.shell.shell import shell
from imgsim.errors import RegistryError

HERE = Path(__file__).parent
PAGES = {  # as many as fit are shown in the navigation, the others under "more"
    "start": ("Start", ":material/home:"),
    "search": ("Search", ":material/image_search:"),
    "browse": ("Browse", ":material/grid_view:"),
    "map": ("Map", ":material/scatter_plot:"),
    "clusters": ("Clusters", ":material/workspaces:"),
    "neighbours": ("Neighbours", ":material/hub:"),
    "tidy_up": ("Tidy up", ":material/cleaning_services:"),
    "basket": ("Basket", ":material/shopping_basket:"),
    "evaluation": ("Evaluation", ":material/query_stats:"),
    "compare": ("Compare", ":material/compare:"),
    "phone_app": ("Phone app", ":material/phone_iphone:"),
    "history": ("History", ":material/history:"),
}
HIDDEN = ("history",)  # what the navigation leaves out; the sidebar leads there

st.set_page_config(page_icon=str(HERE / "icon.svg"), layout="wide")  # before the pages, or their icons are fetched
pages = {
    name: st.Page(
        HERE / "views" / name / "page.py",
        title=title,
        icon=icon,
        url_path=name,
        default=name == "start",
        visibility="hidden" if name in HIDDEN else "visible",
    )
    for name, (title, icon) in PAGES.items()
}
page = st.navigation(list(pages.values()), position="top")
st.set_page_config(page_title=f"{page.title} · imgsim")
state.restore(page.url_path)
view = state.read()
try:
    now = session.open_model(view)
except RegistryError as problem:
    shell()
    sidebar.choose_model(view)
    session.show_problem(problem)
else:
    shell(now.view)
    bulk_bar(now.loaded)
    sidebar.choose_model(now.view)
    sidebar.describe(now)
    sidebar.link_to_history()
    st.title("imgsim" if page is pages["start"] else page.title, anchor=False)
    page.run()
    sharing.share(now, next(name for name, known in pages.items() if known is page), pages)
