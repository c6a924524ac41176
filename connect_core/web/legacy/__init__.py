"""Routes that front ends of older shop systems call, with the very paths and answers those systems had."""
