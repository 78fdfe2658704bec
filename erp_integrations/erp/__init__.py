"""Reaching the ERP: kinds of connection, calls with a deadline, encrypted secrets, the handshake report."""
