import axios from 'axios';
import { google } from './mediated.js';

/** Before other interceptors are added, so that this one sees the request as it is sent. */
export const calendarApi = axios.create({ baseURL: 'https://www.googleapis.com/calendar/v3' });
google.axios(calendarApi);
