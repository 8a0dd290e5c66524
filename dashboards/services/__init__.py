"""What the pages show, as pure functions: nothing here knows Streamlit."""
