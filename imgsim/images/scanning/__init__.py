"""Scanning of listed files: stamps, the memory of earlier scans, and the scan itself."""
