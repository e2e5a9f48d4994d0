// The page's own script: copies left over a WebSocket, ratings as server-sent events. Each reconnects by itself.

export const liveScript = `
  const each = (selector, change) => document.querySelectorAll(selector).forEach(change);
  function showStock(copies) {
    for (const [book, count] of Object.entries(copies)) each('[data-stock="' + book + '"]', (badge) => {
      badge.textContent = count === 0 ? "sold out" : count + " left";
      badge.classList.toggle("low", count < 4);
      badge.classList.remove("changed");
      void badge.offsetWidth;
      badge.classList.add("live", "changed");
    });
  }
  function watchStock() {
    const scheme = location.protocol === "https:" ? "wss://" : "ws://";
    const socket = new WebSocket(scheme + location.host + "/stock");
    socket.onmessage = ({ data }) => showStock(JSON.parse(data));
    socket.onclose = () => {
      each(".stock", (badge) => badge.classList.remove("live"));
      setTimeout(watchStock, 2000);
    };
  }
  watchStock();
  if (document.querySelector("[data-rating]")) {
    new EventSource("/ratings").onmessage = ({ data }) => {
      const { bookId, averageStars, count } = JSON.parse(data);
      each('[data-rating="' + bookId + '"]', (row) => {
        row.style.setProperty("--filled", averageStars);
        row.querySelector(".average").textContent = averageStars.toFixed(1) + " of 5, " + count + " readers";
      });
    };
  }
`;
