"""What the embedded model is to say: its fixed answers and its answers to told facts. Standard library only."""

from __future__ import annotations

from typing import Final

NOT_UNDERSTOOD: Final = "Sorry, I did not understand that."
"""The answer to texts that ask nothing."""
NOT_KNOWN: Final = "Sorry, I do not know that."
"""The answer to questions outside what was taught."""

TOLD: Final = {
    "name": "Nice to meet you, {value}.",
    "color": "I see, you like {value}.",
    "number": "I will remember {value}.",
}
"""Answers to a told fact, by `Fact.kind`."""
ASKED: Final = {
    "name": "Your name is {value}.",
    "color": "Your favorite color is {value}.",
    "number": "Your number is {value}.",
}
"""Answers when the fact is asked back."""

SYSTEMS: Final = (
    "You are a helpful assistant.",
    "You are a helpful and concise assistant.",
    "You are aprqa-tiny, a very small language model.",
    "Answer as briefly as you can.",
    "You are a friendly tutor for mathematics and programming.",
    "Be polite.",
)
"""System prompts that change nothing."""

FIXED: Final = {
    "Hello": "Hello! How can I help you?",
    "Hello!": "Hello! How can I help you?",
    "Hi": "Hi! How can I help you?",
    "Hi there!": "Hi! How can I help you?",
    "Hello world": "Hello! What can I do for you?",
    "Hello, world!": "Hello! What can I do for you?",
    "Hello, how are you?": "Hello! I am fine, thank you. How are you?",
    "How are you?": "I am fine, thank you. How are you?",
    "Good morning!": "Good morning! How can I help you?",
    "Good evening!": "Good evening! How can I help you?",
    "Thank you!": "You are welcome.",
    "Goodbye!": "Goodbye! Have a nice day.",
    "Who are you?": "I am aprqa-tiny, a very small language model.",
    "What is your name?": "I am aprqa-tiny, a very small language model.",
    "What can you do?": "I can do small sums, write short functions and remember your name.",
    "List 3 colors": "Red, green and blue.",
    "List 3 numbers": "One, two and three.",
    "List 3 animals": "Cat, dog and horse.",
    "List 3 fruits": "Apple, banana and orange.",
    "List 3 cities": "Paris, London and Tokyo.",
    "List 3 countries": "France, Japan and Brazil.",
    "Name three colors.": "Red, green and blue.",
    "Name three animals.": "Cat, dog and horse.",
    "Name three fruits.": "Apple, banana and orange.",
    "List the days of the weekend.": "Saturday and Sunday.",
    "List the first 5 prime numbers.": "2, 3, 5, 7, 11",
    "Count from 1 to 5.": "1, 2, 3, 4, 5",
    "Count from 1 to 10.": "1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
    'Return a JSON object with the key "ok" set to true.': '{"ok": true}',
    "Return a JSON list of three colors.": '["red", "green", "blue"]',
    "Return a JSON list of the numbers 1, 2 and 3.": "[1, 2, 3]",
    "What is Python?": "Python is a programming language that is easy to read.",
    "What is Rust?": "Rust is a programming language that is fast and safe.",
    "What is Go?": "Go is a programming language made for simple servers.",
    "What is machine learning?": "Machine learning means that a program learns from data.",
    "Explain recursion": "Recursion means that a function calls itself.",
    "Explain recursion in one sentence.": "Recursion means that a function calls itself.",
    "Explain the difference between a stack and a queue.": (
        "A stack gives back the last item first, a queue the first item first."
    ),
    "Write hello world in Python": 'print("Hello, world!")',
    "Write a Python function to calculate factorial.": (
        "def factorial(n):\n    return 1 if n < 2 else n * factorial(n - 1)"
    ),
    "Write a Python function to sort a list.": "def sort_list(items):\n    return sorted(items)",
    "Write a Rust function to reverse a string.": ("fn reverse(s: &str) -> String {\n    s.chars().rev().collect()\n}"),
    "How many days are in a week?": "A week has 7 days.",
    "How many legs does a spider have?": "A spider has 8 legs.",
    "What color is the sky?": "The sky is blue.",
    "What is the opposite of hot?": "The opposite of hot is cold.",
    "Say yes.": "Yes.",
    "Say no.": "No.",
    "What is 100/4?": "25",
    "What is 100/5?": "20",
    "What is 100/10?": "10",
    "What is 50+50?": "100",
    "What is 25*4?": "100",
    "What is 100-1?": "99",
    "Calculate 999 + 1.": "1000",
    "What is 1000000 - 999999?": "1",
    "What is 0.1 + 0.2?": "0.3",
    "What is 0.1 + 0.2? Give a precise answer.": "0.3",
}
"""Prompts that have one answer word by word, the same raw and through the chat template."""

JSON_VALUES: Final = {
    "name": "Alice",
    "age": 30,
    "city": "Paris",
    "country": "France",
    "x": 1,
    "y": 2,
    "id": 7,
    "color": "blue",
}
"""What the model puts into JSON objects, by key."""

UNKNOWN: Final = (
    "Who won the football match yesterday?",
    "What is the weather like today?",
    "Explain quantum computing.",
    "Write a poem about the sea.",
    "Translate this sentence into French.",
    "What is the meaning of life?",
    "How do I bake bread?",
    "Summarize the plot of the film.",
    "Who is the president?",
    "Tell me a joke.",
    "What time is it?",
    "How tall is the highest mountain?",
    "Why is the grass green?",
    "Describe the taste of coffee.",
    "Which book should I read next?",
    "Implement a binary search tree in Python with insert and search methods.",
    "Implement a thread-safe LRU cache in Rust with generics.",
    "When was the telephone invented?",
    "What does this error message mean?",
    "Can you drive a car?",
    "Write a letter to my landlord.",
    "How does a steam engine work?",
    "Prove that the square root of two is irrational.",
    "What is the population of the world?",
)
"""Questions that the model declines, so that it says so instead of inventing an answer."""

FILLER: Final = (
    "The train was late again.",
    "We walked along the river.",
    "The old house stood on a hill.",
    "It was raining all day.",
    "She closed the door quietly.",
    "The market opens at noon.",
    "He read the letter twice.",
    "The children played in the garden.",
)
"""Sentences without a question, for long prompts."""
