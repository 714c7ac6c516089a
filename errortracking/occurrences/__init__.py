"""Reading the events of an issue: which there are, their frames as of their time, why they are where they are.

Between the models and whoever shows events, the API and the admin.
"""
