"""Where images come from, beneath `data`: drawn, downloaded, or read from files. No lesson shows this code."""
