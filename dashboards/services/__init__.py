"""Logic without Streamlit that several pages share."""
