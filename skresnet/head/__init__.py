"""The dense network on top of the features, and its training in Keras.

Importing a module of this room imports Keras and scikeras, so the classifier
imports them inside the methods that train or predict.
"""
