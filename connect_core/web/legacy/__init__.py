"""The routes that front ends of older shop systems call, with the paths and answers of those systems."""
