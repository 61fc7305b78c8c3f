// The client of the backend. The rest of the mini program calls its functions:
//
//   const login = require('../../utils/login');
//   login.request({ url: '/session' }).then((reply) => reply.data.user.id);

const { createLogin } = require('weapp-login');

// The server's address. A phone needs the computer's LAN address, a release an https domain.
const BASE_URL = 'http://localhost:3000';

module.exports = createLogin({ baseUrl: BASE_URL });
