"""The script of every page: navigation, the model that the URL asks for, the sidebar, title, then the page."""

from pathlib import Path

import streamlit as st

from dashboards import session, state
from dashboards.widgets import sidebar
from imgsim.errors import RegistryError

HERE = Path(__file__).parent
PAGES = {
    "search": ("Search", ":material/image_search:"),
    "browse": ("Browse", ":material/grid_view:"),
    "walk": ("Graph walk", ":material/hub:"),
    "map": ("Map", ":material/scatter_plot:"),
    "evaluation": ("Evaluation", ":material/query_stats:"),
    "compare": ("Compare", ":material/compare:"),
    "health": ("Health", ":material/health_and_safety:"),
    "deploy": ("Deploy", ":material/phone_iphone:"),
    "basket": ("Basket", ":material/shopping_basket:"),
}

st.set_page_config(page_icon=str(HERE / "icon.svg"), layout="wide")  # before the pages, or their icons are fetched
st.html(HERE / "style.css")
pages = {
    name: st.Page(HERE / "views" / name / "page.py", title=title, icon=icon, url_path=name, default=name == "search")
    for name, (title, icon) in PAGES.items()
}
page = st.navigation(list(pages.values()), position="top")
st.set_page_config(page_title=f"{page.title} · imgsim")
state.restore(page.url_path)
view = state.read()
try:
    now = session.open_model(view)
except RegistryError as problem:
    sidebar.choose_model(view)
    session.show_problem(problem)
else:
    sidebar.choose_model(view)
    sidebar.describe(now)
    sidebar.choose_images(now)
    st.title(page.title, anchor=False)
    page.run()
