// Leads back to the address that was asked for, whose fragment no server is told of.
if (location.pathname !== "/login") {
  const address = location.href;
  document.querySelector("input[name=next]").value = location.pathname + location.search + location.hash;
  const on = document.querySelector(".absent a");
  on.href = address;
  on.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // another tab or window
    event.preventDefault();
    history.replaceState(null, "", "/login"); // to its own address a page goes without a request
    location.replace(address);
  });
}
