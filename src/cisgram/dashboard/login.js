// Leads back to the address that was asked for, whose fragment no server is told of.
const next = document.querySelector("input[name=next]");
if (location.pathname !== "/login") next.value = location.pathname + location.search + location.hash;
