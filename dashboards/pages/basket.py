"""Placeholder of the lead: its owner overwrites this file."""

import streamlit as st

st.title("basket")
