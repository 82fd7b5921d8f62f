"""The dense network on top of the features, and its training in Keras.

`predictor`, `rows` and `network` import no Keras before it is needed; the others do, so
that the classifier imports them when it trains.
"""
