"""The dense network on top of the features, and its training in Keras.

`rows` and `network` import no Keras before it is needed; the other modules do, so
that the classifier imports them when it trains.
"""
